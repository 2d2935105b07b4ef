/** Connects taps to session steps. view.js renders the result. */

import { Problem, describeShop } from "./api.js";
import { clearFilters, offerFilters } from "./filters.js";
import { load, loadWishes, save, saveWishes, sharedToken } from "./memory.js";
import { listenForPhotos, prepare } from "./photo.js";
import { offerSearch } from "./search.js";
import { addPhoto, addWords, answer, resume, start, undo } from "./session.js";
import { offerTuning, request } from "./tune.js";
import * as view from "./view.js";

// A finger's second tap must not answer a page that nobody has seen yet.
const SETTLE_MS = 300;
const FILTERS = document.getElementById("filter-groups");

let session = load();
let wishes = loadWishes();
let described = false;
let busy = false;
let retry = null;

const actions = {
  onLike: (item) => toggle("liked", "disliked", item),
  onDislike: (item) => toggle("disliked", "liked", item),
};
const wanted = () => ({ ...request(wishes), quick: Boolean(wishes.quick) });
const begin = () => start(request(wishes));
const continueShared = () => resume(sharedToken());
const advance = () => answer(session, request(wishes));

/** Take one step and render the result, or offer a remedy if it fails. One step at a time. */
async function take(step, { returned, anew = false } = {}) {
  if (busy) return;
  busy = true;
  retry = null;
  view.wait(anew);
  for (const panel of document.querySelectorAll("details")) panel.open = false;
  try {
    const description = described || describe();
    // Settings of an earlier visit may name fields or strategies that the shop no longer has.
    if (session === null && (wanted().filter || wishes.strategy)) await description;
    session = await step();
    save(session);
    await view.show(session, wanted(), actions, returned);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (anew && session) await view.show(session, wanted(), actions);
    offerRemedy(problem, () => take(step, { returned, anew }));
  } finally {
    busy = false;
    view.rest(session);
  }
}

function offerRemedy(problem, again) {
  if (problem.code.startsWith("image_") || problem.code === "nothing_found") view.showProblem(problem, "OK", view.hideProblem);
  else if (problem.passing) {
    retry = again;
    view.showProblem(problem, "Retry", again);
  } else if (problem.code === "invalid_filter") view.showProblem(problem, "Clear filters", withoutFilters);
  else view.showProblem(problem, "Start over", restart);
}

/** Mark a product as `list`, or unmark it. A product is never in both lists. */
function toggle(list, other, item) {
  if (busy) return;
  const marked = view.has(session[list], item);
  const without = (name) => session[name].filter(({ id }) => id !== item.id);
  session = { ...session, [list]: marked ? without(list) : [...session[list], item], [other]: without(other) };
  save(session);
  view.showMarks(session, wanted(), list === "liked" && !marked && item);
  if (wishes.quick && list === "liked" && !marked) take(advance);
}

function next() {
  const { page, filtered } = session;
  if (page.items.length || page.remaining) take(advance);
  else if (filtered) withoutFilters();
  else restart();
}

function withoutFilters() {
  clearFilters(FILTERS);
  wish({ filter: {} });
  take(session ? advance : begin);
}

const restart = () => take(begin, { anew: true });

function wish(news) {
  wishes = { ...wishes, ...news };
  saveWishes(wishes);
  const count = Object.keys(wishes.filter ?? {}).length;
  document.getElementById("filter-count").textContent = count || "";
  document.getElementById("clear").disabled = !count;
  if (session) view.showMarks(session, wanted());
}

/** Offer the options of this shop. Without its description the gallery works, but has no filters, search or tuning. */
async function describe() {
  const shop = await describeShop().catch(() => null);
  if (!shop || described) return;
  described = true;
  const names = new Set(shop.fields.map(({ name }) => name));
  const kept = Object.entries(wishes.filter ?? {}).filter(([name]) => names.has(name));
  const filterable = offerFilters(FILTERS, shop.fields, Object.fromEntries(kept), (filter) => wish({ filter }));
  document.getElementById("filters").hidden = !filterable;
  document.getElementById("tune").hidden = false;
  document.getElementById("search").hidden = !shop.text_search;
  const strategy = shop.strategies.includes(wishes.strategy) ? wishes.strategy : "";
  wish({ filter: Object.fromEntries(kept), strategy });
  offerTuning(shop, wishes, wish);
}

async function share() {
  const link = { title: document.title, url: location.href };
  try {
    if (navigator.share && matchMedia("(pointer: coarse)").matches) await navigator.share(link);
    else {
      await navigator.clipboard.writeText(link.url);
      view.toast("Link copied. It opens this page, with your likes.");
    }
  } catch (error) {
    if (error.name !== "AbortError") view.toast("Copy the address of this page. It opens this page, with your likes.");
  }
}

view.on("next", next);
view.on("undo", () => take(() => undo(session, wishes.quick), { returned: session.past.at(-1)?.liked[0] }));
view.on("restart", restart);
view.on("share", share);
view.on("apply", () => take(advance));
view.on("clear", () => {
  clearFilters(FILTERS);
  wish({ filter: {} });
});
listenForPhotos(document.getElementById("photo-file"), (file) => {
  if (session) take(async () => addPhoto(session, request(wishes), await prepare(file)));
});
const filter = () => request(wishes).filter;
offerSearch(document.getElementById("search"), filter, (text) => {
  const able = session && !busy;
  if (able) take(() => addWords(session, request(wishes), text));
  return able;
});
addEventListener("online", () => retry?.());
// Somebody put another link into the same tab.
addEventListener("hashchange", () => sharedToken() && take(continueShared, { anew: true }));
for (const panel of document.querySelectorAll("details")) {
  panel.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    panel.open = false;
    panel.querySelector("summary").focus();
  });
  addEventListener("pointerdown", ({ target }) => panel.contains(target) || (panel.open = false));
}

if (session) take(async () => session);
else take(sharedToken() ? continueShared : begin);
