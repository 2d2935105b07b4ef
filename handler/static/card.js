/** One product on the screen: in the grid, in the list of likes, or as a placeholder. */

import { tapOrHold } from "./hold.js";
import { nameOf, priceOf, reasonOf } from "./words.js";

/** A product to like or refuse. `taste` lists the likes that can be its reason. */
export function card(item, taste, { onLike, onDislike }) {
  const element = clone("product");
  const part = (name) => element.querySelector(`.${name}`);
  // `because` holds ids, and photos and words have none: they are the reason where no product is.
  const words = item.reason === "searched" && taste.findLast(isWords);
  const photo = item.reason === "similar" && !item.because.length && taste.findLast((one) => !one.id && !isWords(one));
  const follows = words || photo || item.because.map((id) => taste.find((one) => one.id === id)).find(Boolean);
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
  if (words) part("because").querySelector("img").remove();
  else if (follows) picture(part("because").querySelector("img"), follows, "");
  if (follows) {
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

/** Render the marks of a card's product. */
export function mark(element, isLiked, isDisliked) {
  const say = (name, on) => element.querySelector(name).setAttribute("aria-pressed", String(on));
  say(".product", isLiked);
  say(".dislike", isDisliked);
  element.classList.toggle("is-liked", isLiked);
  element.classList.toggle("is-disliked", isDisliked);
}

/** A liked product, photo or text in the list of likes. */
export function thumbnail(item) {
  const element = clone("like");
  element.title = nameOf(item) || item.id;
  element.dataset.id = item.id;
  if (isWords(item)) {
    element.querySelector(".photo").classList.add("words");
    element.querySelector(".photo").textContent = nameOf(item);
  } else picture(element.querySelector("img"), item);
  return element;
}

/** A placeholder for a product that is still loading. */
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

const isWords = ({ image_url }) => !image_url;
const clone = (id) => document.getElementById(id).content.cloneNode(true).firstElementChild;
const listed = (...words) => words.filter(Boolean).join(", ");
