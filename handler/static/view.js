/** What is on the screen. Reads nothing but what it is given; tells of taps through callbacks. */

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

/** A request is under way. `anew` if it leads to a page that has nothing to do with the one in front. */
export function wait(anew) {
  if (problemBox.contains(document.activeElement)) heading.focus({ preventScroll: true });
  problemBox.replaceChildren();
  grid.setAttribute("aria-busy", "true");
  body.classList.add("waiting");
  if (anew) body.classList.remove("over");
  if (anew || !grid.children.length) grid.replaceChildren(...Array.from({ length: COUNT }, skeleton));
}

/** The request is over, well or badly. */
export function rest(session) {
  grid.setAttribute("aria-busy", "false");
  body.classList.remove("waiting");
  next.disabled = !session;
  undo.disabled = !session || session.page.round < 2;
}

/** Put a page on the screen, and the focus on `returned` or the page's first product; resolves when it is there. */
export async function show(session, wishes, actions, returned) {
  const replaced = body.classList.contains("shown");
  await change(() => render(session, wishes, actions));
  find("news").textContent = [heading, hint, progress].map((element) => element.textContent).join(" ");
  // The product that had the focus is gone. Nothing had it when the first page arrives.
  if (replaced) (cardOf(returned) ?? grid).querySelector(".product")?.focus({ preventScroll: true });
  if (replaced && !session.page.items.length) heading.focus({ preventScroll: true });
}

/** Show the marks and the taste that they add up to. `liked` was marked just now, and flies there. */
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

/** Say something that needs no answer, to eyes and screen readers. */
export function toast(text) {
  find("news").textContent = text;
  find("toast").textContent = text;
  find("toast").getAnimations().forEach((one) => one.cancel());
  find("toast").animate({ opacity: [0, 1, 1, 0], offset: [0, 0.05, 0.85, 1] }, 3200);
}

/** Say what went wrong, and offer the one thing that helps. */
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

/** Make a change of the whole page, softly where the browser can. */
async function change(make) {
  if (!document.startViewTransition || stillness.matches) return void make();
  const transition = document.startViewTransition(make);
  // Rejects where the animation is skipped, as in a hidden tab; the change itself is made all the same.
  transition.ready.catch(() => {});
  return transition.updateCallbackDone;
}

/** Let a picture come out of a card to the place where it now is. */
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
