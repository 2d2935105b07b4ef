/**
 * A whole session through the generated client: pages, one of them shown again, an undo, a photo, words, and an error.
 *
 * node build/session.js URL PHOTO
 */

import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Page = components["schemas"]["Page"];
type Problem = components["schemas"]["Problem"];

const [baseUrl, photoPath] = process.argv.slice(2);
if (!baseUrl || !photoPath) throw new Error("usage: node build/session.js URL PHOTO");
const shop = createClient<paths>({ baseUrl });

function good<T>({ data, error }: { data?: T; error?: Problem }): T {
  if (data === undefined) throw new Error(`${error?.code}: ${error?.detail} ${error?.remedy ?? ""}`);
  return data;
}

const seen = new Set<string>();
function look(page: Page): Page {
  for (const { id } of page.items) {
    if (seen.has(id)) throw new Error(`${id} was shown twice`);
    seen.add(id);
  }
  return page;
}

const bundle = good(await shop.GET("/v1/bundle"));
let page = look(good(await shop.POST("/v1/sessions", { body: { count: 10, strategy: "mean" } })));
for (let round = 0; round < 3; round++) {
  const liked = page.items.slice(0, 2).map(({ id }) => id);
  page = look(good(await shop.POST("/v1/sessions/next", { body: { session: page.session, liked } })));
}
const again: Page = good(await shop.POST("/v1/sessions/show", { body: { session: page.session } }));
if (again.items.map(({ id }) => id).join() !== page.items.map(({ id }) => id).join()) throw new Error("another page");
const before: Page = good(await shop.POST("/v1/sessions/undo", { body: { session: page.session } }));

const photo = new Blob([new Uint8Array(await readFile(photoPath))], { type: "image/jpeg" });
const found = good(
  await shop.POST("/v1/search/image", {
    // A form's file is a string to the generator; what is sent is up to the serializer.
    body: { image: "", session: before.session },
    bodySerializer: ({ session }) => {
      const form = new FormData();
      form.set("image", photo, "photo.jpg");
      if (session) form.set("session", session);
      return form;
    },
  }),
);
if (!("session" in found)) throw new Error("a search with a session answers with its next page");

const words = good(
  await shop.POST("/v1/search/text", { body: { text: "red", session: found.session, filter: { price: { lt: 100 } } } }),
);
if (!("session" in words)) throw new Error("a search with a session answers with its next page");
look(words);
const query = { text: "red", count: 3, filter: JSON.stringify({ colour: ["red"] }) };
const plain = good(await shop.GET("/v1/search/text", { params: { query } }));

const first = page.items[0];
if (!first) throw new Error("an empty page");
const path = { product_id: first.id };
const similar = good(await shop.GET("/v1/items/{product_id}/similar", { params: { path, query: { count: 3 } } }));
if (!("items" in similar)) throw new Error("a request with a count answers with neighbors");

const { error, response } = await shop.POST("/v1/sessions/next", { body: { session: "not a token" } });

console.log(
  JSON.stringify({
    products: bundle.products,
    rounds: [page.round, before.round, found.round],
    seen: seen.size,
    reasons: found.items.map(({ reason }) => reason),
    similar: similar.items.length,
    searched: [words.round, words.searched, words.items[0]?.reason, plain.items.length],
    error: error?.code,
    status: response.status,
    requestId: response.headers.get("x-request-id"),
  }),
);
