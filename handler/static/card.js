/** One product on the screen: in the grid, among the liked ones, or still awaited. */

import { tapOrHold } from "./hold.js";
import { nameOf, priceOf, reasonOf } from "./words.js";

/** A product to like or refuse. `taste` are the products that it may be there because of. */
export function card(item, taste, { onLike, onDislike }) {
  const element = clone("product");
  const part = (name) => element.querySelector(`.${name}`);
  // A photo has no id to be named by. Where no product is the reason, it is.
  const photo = item.reason === "similar" && !item.because.length && taste.findLast(({ id }) => !id);
  const follows = photo || item.because.map((id) => taste.find((one) => one.id === id)).find(Boolean);
  const { badge, line } = reasonOf(item, follows);
  const [like, dislike] = [part("product"), part("dislike")];
  element.dataset.id = item.id;
  like.title = item.id;
  tapOrHold(like, () => onLike(item), () => onDislike(item));
  dislike.addEventListener("click", () => onDislike(item));
  picture(part("picture"), item);
  part("name").textContent = nameOf(item);
  part("price").textContent = priceOf(item);
  part("badge").textContent = badge;
  part("badge").classList.add(item.reason ?? "none");
  part("line").textContent = line;
  if (follows) {
    picture(part("because").querySelector("img"), follows, "");
    part("reason").textContent = nameOf(follows) || "this";
  } else {
    part("because").querySelector("img").remove();
    part("reason").remove();
  }
  like.setAttribute("aria-label", listed("Like", nameOf(item) || item.id, priceOf(item)));
  like.setAttribute("aria-description", listed(badge, follows ? `${line} ${nameOf(follows) || "this"}` : line));
  dislike.setAttribute("aria-label", `Not for me: ${nameOf(item) || item.id}`);
  return element;
}

/** Show on a card in the grid what its product is marked as. */
export function mark(element, isLiked, isDisliked) {
  const say = (name, on) => element.querySelector(name).setAttribute("aria-pressed", String(on));
  say(".product", isLiked);
  say(".dislike", isDisliked);
  element.classList.toggle("is-liked", isLiked);
  element.classList.toggle("is-disliked", isDisliked);
}

/** A liked product, small. */
export function thumbnail(item) {
  const element = clone("like");
  element.title = nameOf(item) || item.id;
  element.dataset.id = item.id;
  picture(element.querySelector("img"), item);
  return element;
}

/** The shape of a product before there is one. */
export function skeleton() {
  const element = clone("product");
  element.classList.add("skeleton");
  element.setAttribute("aria-hidden", "true");
  for (const button of element.querySelectorAll("button")) button.disabled = true;
  return element;
}

function picture(image, item, alt = nameOf(item) || item.id) {
  image.addEventListener("load", () => image.classList.add("loaded"));
  image.addEventListener("error", () => image.parentElement.classList.add("broken"));
  image.alt = alt;
  image.src = item.image_url;
}

const clone = (id) => document.getElementById(id).content.cloneNode(true).firstElementChild;
const listed = (...words) => words.filter(Boolean).join(", ");
