/** Renders sessions. Depends on its arguments alone, and reports taps through callbacks. */

import { card, mark, skeleton, thumbnail } from "./card.js";
import { refused, taste } from "./session.js";
import { COUNT } from "./tune.js";
import { nextWords, sentence } from "./words.js";

const THUMBNAILS = 12;

const find = (id) => document.getElementById(id);
const [grid, likes, problemBox] = ["grid", "liked", "problem"].map(find);
const [heading, hint, progress] = ["heading", "hint", "progress"].map(find);
const [next, undo] = ["next", "undo"].map(find);
const body = document.body;
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

export const on = (id, handler) => find(id).addEventListener("click", handler);
export const has = (list, { id }) => list.some((one) => one.id === id);

/** Show that a request is under way. `anew`: the page that it leads to starts another session. */
export function wait(anew) {
  if (problemBox.contains(document.activeElement)) heading.focus({ preventScroll: true });
  problemBox.replaceChildren();
  grid.setAttribute("aria-busy", "true");
  body.classList.add("waiting");
  if (anew) body.classList.remove("over");
  if (anew || !grid.children.length) grid.replaceChildren(...Array.from({ length: COUNT }, skeleton));
}

/** Show that the request is over, successful or not. */
export function rest(session) {
  grid.setAttribute("aria-busy", "false");
  body.classList.remove("waiting");
  next.disabled = !session;
  undo.disabled = !session || session.page.round < 2;
}

/** Render a page, then focus `returned` or the first product. Resolves once the page is visible. */
export async function show(session, wishes, actions, returned) {
  const replaced = body.classList.contains("shown");
  await change(() => render(session, wishes, actions));
  find("news").textContent = [heading, hint, progress].map((element) => element.textContent).join(" ");
  // The product that had the focus is gone. Before the first page nothing had it.
  if (replaced) (cardOf(returned) ?? grid).querySelector(".product")?.focus({ preventScroll: true });
  if (replaced && !session.page.items.length) heading.focus({ preventScroll: true });
}

/** Render the marks and the list of likes. `liked` was marked just now; its picture flies to the list. */
export function showMarks(session, wishes, liked) {
  for (const element of grid.querySelectorAll("[data-id]")) {
    const item = { id: element.dataset.id };
    mark(element, has(session.liked, item), has(session.disliked, item));
  }
  const all = taste(session);
  const shown = session.page.items.length ? all.slice(-THUMBNAILS) : all;
  const old = new Map([...likes.children].map((element) => [element.dataset.id, element]));
  likes.replaceChildren(...shown.map((item) => (item.id && old.get(item.id)) || thumbnail(item)).reverse());
  find("liked-count").textContent = all.length || "";
  const [hidden, no] = [all.length - shown.length, refused(session).length];
  const more = [hidden && `and ${hidden} more`, no && `${no} not for you`];
  find("taste-more").textContent = more.filter(Boolean).join(", ");
  [next.querySelector("b").textContent, next.querySelector("small").textContent] = nextWords(session, all.length, wishes);
  if (liked) fly(cardOf(liked), likes.querySelector("img"));
}

/** Show a passing message, and announce it to screen readers. */
export function toast(text) {
  find("news").textContent = text;
  find("toast").textContent = text;
  find("toast").getAnimations().forEach((one) => one.cancel());
  find("toast").animate({ opacity: [0, 1, 1, 0], offset: [0, 0.05, 0.85, 1] }, 3200);
}

/** Show a problem with a button for its remedy. */
export function showProblem({ message, remedy }, label, onTap) {
  const content = find("problem-content").content.cloneNode(true);
  content.querySelector("strong").textContent = message;
  content.querySelector("span").textContent = remedy;
  const button = content.querySelector("button");
  button.textContent = label;
  button.addEventListener("click", onTap);
  problemBox.replaceChildren(content);
  button.focus();
}

export const hideProblem = () => problemBox.replaceChildren();

function render(session, wishes, actions) {
  const { items } = session.page;
  const words = sentence(session, wishes.quick);
  heading.textContent = words.heading;
  hint.textContent = words.hint;
  progress.textContent = words.progress;
  const all = taste(session);
  grid.replaceChildren(...items.map((item) => card(item, all, actions)));
  showMarks(session, wishes);
  scrollTo(0, 0);
  body.classList.add("shown");
  body.classList.toggle("over", !items.length);
}

/** Change the whole page, with a view transition where the browser supports it. */
async function change(make) {
  if (!document.startViewTransition || stillness.matches) return void make();
  const transition = document.startViewTransition(make);
  // Rejects if the animation is skipped, as in a hidden tab; the change is applied regardless.
  transition.ready.catch(() => {});
  return transition.updateCallbackDone;
}

/** Animate a picture from its card to its place in the list. */
function fly(element, image) {
  if (stillness.matches || !element || !image) return;
  const [from, to] = [element.querySelector(".photo"), image].map((one) => one.getBoundingClientRect());
  const start = `translate(${from.x - to.x}px, ${from.y - to.y}px) scale(${from.width / to.width})`;
  image.animate(
    { transform: [start, "none"], transformOrigin: ["0 0", "0 0"], opacity: [0.4, 1] },
    { duration: 420, easing: "cubic-bezier(.2, .7, .3, 1)" },
  );
}

const cardOf = (item) => [...grid.children].find(({ dataset }) => item && dataset.id === item.id);
