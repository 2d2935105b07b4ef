/** What is on the screen. Reads nothing but the session it is given; tells of taps through callbacks. */

import { card, skeleton, thumbnail } from "./card.js";
import { likedOf, sentence } from "./words.js";

const FIRST_PAGE = 10;

const find = (id) => document.getElementById(id);
const [grid, likes, heading, hint, progress] = ["grid", "liked", "heading", "hint", "progress"].map(find);
const [none, undo, restart, problemBox] = ["none", "undo", "restart", "problem"].map(find);
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

export const onNone = (handler) => none.addEventListener("click", handler);
export const onUndo = (handler) => undo.addEventListener("click", handler);
export const onRestart = (handler) => restart.addEventListener("click", handler);

/** A request is under way; `chosen` is the product it answers with, if any. */
export function wait(chosen) {
  if (problemBox.contains(document.activeElement)) heading.focus({ preventScroll: true });
  problemBox.replaceChildren();
  grid.setAttribute("aria-busy", "true");
  document.body.classList.add("waiting");
  cardOf(chosen)?.classList.add("chosen");
  if (!grid.children.length) grid.replaceChildren(...Array.from({ length: FIRST_PAGE }, skeleton));
}

/** The request is over, well or badly. */
export function rest(session) {
  grid.setAttribute("aria-busy", "false");
  document.body.classList.remove("waiting");
  for (const button of grid.querySelectorAll(".chosen")) button.classList.remove("chosen");
  none.disabled = !session?.page.items.length;
  undo.disabled = !session?.past.length;
}

/**
 * Put a page on the screen; resolves when it is there. The `liked` product glides from the grid to the liked ones, a
 * `returned` one back.
 */
export async function show(session, { onLike, liked, returned }) {
  const replaced = document.body.classList.contains("shown");
  const from = liked ? cardOf(liked) : returned && likes.firstElementChild;
  await glide(from, () => {
    render(session, onLike);
    return liked ? likes.firstElementChild : cardOf(returned);
  });
  find("news").textContent = [heading, hint, progress].map((element) => element.textContent).join(" ");
  // The product that had the focus is gone. Nothing had it when the first page arrives.
  if (replaced) (cardOf(returned) ?? grid.querySelector(".product") ?? heading).focus({ preventScroll: true });
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

function render({ page, past }, onLike) {
  const liked = likedOf(past);
  const words = sentence(page, past);
  heading.textContent = words.heading;
  hint.textContent = words.hint;
  progress.textContent = words.progress;
  find("liked-count").textContent = liked.length || "";
  // A badge that is on every product tells nothing.
  const badged = page.items.some(({ reason }) => reason === "similar");
  grid.replaceChildren(...page.items.map((item) => card(item, badged, liked, onLike)));
  likes.replaceChildren(...liked.map(thumbnail).reverse());
  likes.scrollTo(0, 0);
  scrollTo(0, 0);
  document.body.classList.add("shown");
  document.body.classList.toggle("over", !page.items.length);
}

/** Make a change to the page in which the element `from` becomes the one that `change` returns. */
async function glide(from, change) {
  if (!document.startViewTransition || stillness.matches) return void change();
  from?.classList.add("gliding");
  let to;
  const transition = document.startViewTransition(() => {
    from?.classList.remove("gliding");
    to = change();
    to?.classList.add("gliding");
  });
  // Rejects where the animation is skipped, as in a hidden tab; the change itself is made all the same.
  transition.ready.catch(() => {});
  transition.finished.finally(() => to?.classList.remove("gliding"));
  return transition.updateCallbackDone;
}

const cardOf = (item) => [...grid.querySelectorAll(".product")].find(({ dataset }) => item && dataset.id === item.id);
