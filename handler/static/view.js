/** What is on the screen. Reads nothing but the session it is given; tells of taps through callbacks. */

import { likedOf, nameOf, priceOf, sentence } from "./words.js";

const FIRST_PAGE = 10;
const BADGES = { similar: "similar", random: "new", explore: "new" };

const find = (id) => document.getElementById(id);
const [grid, likes, heading, hint, news, problemBox] = ["grid", "liked", "heading", "hint", "news", "problem"].map(find);
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

export const onNone = (handler) => find("none").addEventListener("click", handler);
export const onUndo = (handler) => find("undo").addEventListener("click", handler);
export const onRestart = (handler) => find("restart").addEventListener("click", handler);

/** A request is under way; `chosen` is the product it answers with, if any. */
export function wait(chosen) {
  problemBox.replaceChildren();
  grid.setAttribute("aria-busy", "true");
  document.body.classList.add("waiting");
  if (chosen) cardOf(chosen)?.classList.add("chosen");
  if (!grid.children.length) grid.replaceChildren(...Array.from({ length: FIRST_PAGE }, skeleton));
}

/** The request is over, well or badly. */
export function rest(session) {
  grid.setAttribute("aria-busy", "false");
  document.body.classList.remove("waiting");
  for (const card of grid.querySelectorAll(".chosen")) card.classList.remove("chosen");
  find("none").disabled = !session?.page.items.length;
  find("undo").disabled = !session?.past.length;
}

/**
 * Put a page on the screen; resolves when it is there. The `liked` product glides from the grid to the liked ones, a
 * `returned` one back.
 */
export async function show(session, { onLike, liked, returned }) {
  const arriving = !grid.querySelector(".product");
  const from = liked ? cardOf(liked) : returned && likes.firstElementChild;
  await glide(from, () => {
    render(session, onLike);
    return liked ? likes.firstElementChild : returned && cardOf(returned);
  });
  news.textContent = `${heading.textContent} ${hint.textContent} ${find("progress").textContent}`;
  if (!arriving) ((returned && cardOf(returned)) || grid.querySelector(".product") || heading).focus({ preventScroll: true });
}

/** Say what went wrong, and offer the one thing that helps. */
export function showProblem(problem, label, remedy) {
  const content = find("problem-content").content.cloneNode(true);
  content.querySelector("strong").textContent = problem.message;
  content.querySelector("span").textContent = problem.remedy;
  const button = content.querySelector("button");
  button.textContent = label;
  button.addEventListener("click", remedy);
  problemBox.replaceChildren(content);
  button.focus();
}

function render({ page, past }, onLike) {
  const liked = likedOf(past);
  const words = sentence(page, past);
  heading.textContent = words.heading;
  hint.textContent = words.hint;
  find("progress").textContent = words.progress;
  find("liked-count").textContent = liked.length || "";
  // A badge that is on every product tells nothing.
  const badged = page.items.some((item) => item.reason === "similar");
  grid.replaceChildren(...page.items.map((item) => card(item, badged, liked, onLike)));
  likes.replaceChildren(...liked.map(thumbnail).reverse());
  likes.scrollTo(0, 0);
  scrollTo(0, 0);
}

function card(item, badged, liked, onLike) {
  const element = clone("product");
  const button = element.querySelector("button");
  const part = (name) => element.querySelector(`.${name}`);
  button.dataset.id = item.id;
  button.addEventListener("click", () => onLike(item));
  picture(part("picture"), item);
  part("name").textContent = nameOf(item);
  part("price").textContent = priceOf(item);
  part("badge").textContent = (badged && BADGES[item.reason]) || "";
  part("badge").classList.add(item.reason ?? "earlier");
  const reason = liked.find(({ id }) => item.because.includes(id) && id === item.because[0]);
  part("because").hidden = !reason;
  if (reason) {
    picture(part("because").querySelector("img"), reason, "");
    part("because").querySelector("span").textContent = `because you liked ${nameOf(reason)}`;
  }
  button.setAttribute("aria-label", ["Like", nameOf(item), priceOf(item)].filter(Boolean).join(" "));
  button.ariaDescription = [part("badge").textContent, part("because").textContent.trim()].filter(Boolean).join(", ");
  return element;
}

function thumbnail(item) {
  const element = clone("like");
  element.title = nameOf(item);
  picture(element.querySelector("img"), item);
  return element;
}

function skeleton() {
  const element = clone("product");
  element.classList.add("skeleton");
  element.setAttribute("aria-hidden", "true");
  element.querySelector("button").disabled = true;
  return element;
}

function picture(image, item, alt = nameOf(item)) {
  image.addEventListener("load", () => image.classList.add("loaded"));
  image.addEventListener("error", () => image.parentElement.classList.add("broken"));
  image.alt = alt;
  image.src = item.image_url;
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

const clone = (id) => find(id).content.cloneNode(true).firstElementChild;
const cardOf = (item) => [...grid.querySelectorAll(".product")].find((button) => button.dataset.id === item.id);
