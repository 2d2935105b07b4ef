/**
 * The steps of a session: each resolves to the session that it leads to, and changes nothing if it fails.
 *
 * A session is `{page, past, liked, disliked, earlier, gone, filtered}`: the page in front as the API sent it; every
 * page before it as `{items, liked, disliked, other}`; the products marked and not sent yet; what was liked before a link was shared; how many products of this page have left the shop. And `filtered`: was the page asked for with a filter?
 */

import { nextPage, product, searchByPhoto, searchByWords, showPage, startSession, takeBack } from "./api.js";

const ids = (items) => items.map(({ id }) => id);
const marks = ({ page, liked, disliked }) => ({ session: page.session, liked: ids(liked), disliked: ids(disliked) });
const fresh = { past: [], liked: [], disliked: [], earlier: [], gone: 0 };

/** Everything liked, oldest first: `{id, fields, image_url}` each; a photo has no id, and words have no picture. */
export const taste = ({ past, liked, earlier }) => [
  ...earlier,
  ...past.flatMap((page) => [...(page.other ? [page.other] : []), ...page.liked]),
  ...liked,
];

export const refused = ({ past, disliked }) => [...past.flatMap((page) => page.disliked), ...disliked];

export async function start({ count, filter, strategy }) {
  return { ...fresh, page: await startSession({ count, filter, strategy }), filtered: Boolean(filter) };
}

/** Send the marks, and get the next page. */
export async function answer(session, wishes) {
  return turn(session, wishes, await nextPage({ ...wishes, ...marks(session) }));
}

/** Send a photo, `{blob, thumbnail}`, as a like, together with the marks. */
export async function addPhoto(session, wishes, { blob, thumbnail }) {
  const photo = { id: "", fields: { name: "Your photo" }, image_url: thumbnail };
  return turn(session, wishes, await searchByPhoto(blob, { ...wishes, ...marks(session) }), photo);
}

/** Search for a text, which counts as a like, together with the marks. The whole page shows its results. */
export async function addWords(session, wishes, text) {
  const request = { ...wishes, ...marks(session), similar: wishes.count, text };
  return turn(session, wishes, await searchByWords(request), searched(text));
}

/** Take the last answer back. Its marks are on the page again unless `forget`, ready to be changed. */
export async function undo(session, forget) {
  const page = await takeBack(session.page.session);
  const before = session.past.at(-1);
  const reasons = new Map(before?.items.map(({ id, reason, score, because }) => [id, { reason, score, because }]));
  // The API does not keep why a product was on an earlier page; we do.
  page.items = page.items.map((item) => ({ ...item, ...reasons.get(item.id) }));
  const shown = ids(page.items);
  const kept = (name) => (forget ? [] : (before?.[name] ?? []).filter(({ id }) => shown.includes(id)));
  return {
    ...session,
    page,
    past: session.past.slice(0, -1),
    liked: kept("liked"),
    disliked: kept("disliked"),
    gone: before ? before.items.length - page.items.length : 0,
  };
}

/** Continue from a token alone, as a shared link carries it. The API does not know why its products were picked. */
export async function resume(token) {
  const page = await showPage(token);
  return { ...fresh, page, earlier: page.searched ? [searched(page.searched)] : [] };
}

const searched = (text) => ({ id: "", fields: { name: `“${text}”` } });

/** From an answered page to the next. `other` is a liked photo or text. */
function turn(session, { filter }, page, other) {
  const { past, liked, disliked } = session;
  const answered = { items: session.page.items, liked, disliked, other };
  const now = { page, past: [...past, answered], liked: [], disliked: [], gone: 0, filtered: Boolean(filter) };
  return withReasons({ ...session, ...now });
}

/** Products given as a reason that we never saw liked were liked before the link was shared: look them up. */
async function withReasons(session) {
  const known = new Set(ids(taste(session)));
  const missing = new Set(session.page.items.flatMap(({ because }) => because).filter((id) => !known.has(id)));
  const found = await Promise.allSettled([...missing].map(product));
  const earlier = found.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
  return { ...session, earlier: [...earlier, ...session.earlier] };
}
