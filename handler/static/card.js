/** One product on the screen: in the grid, among the liked ones, or still awaited. */

import { nameOf, priceOf } from "./words.js";

const BADGES = { similar: "similar", random: "new", explore: "new" };

/** A tappable product. `liked` are the products that it may be there because of. */
export function card(item, badged, liked, onLike) {
  const element = clone("product");
  const part = (name) => element.querySelector(`.${name}`);
  const badge = (badged && BADGES[item.reason]) || "";
  const reason = item.because.map((id) => liked.find((one) => one.id === id)).find(Boolean);
  const button = part("product");
  button.dataset.id = item.id;
  button.addEventListener("click", () => onLike(item));
  picture(part("picture"), item);
  part("name").textContent = nameOf(item);
  part("price").textContent = priceOf(item);
  part("badge").textContent = badge;
  part("badge").classList.toggle("similar", item.reason === "similar");
  if (reason) {
    picture(part("because").querySelector("img"), reason, "");
    part("reason").textContent = nameOf(reason);
  } else {
    part("because").remove();
  }
  button.setAttribute("aria-label", listed("Like", nameOf(item), priceOf(item)));
  button.setAttribute("aria-description", listed(badge, reason && `because you liked ${nameOf(reason)}`));
  return element;
}

/** A liked product, small. */
export function thumbnail(item) {
  const element = clone("like");
  element.title = nameOf(item);
  picture(element.querySelector("img"), item);
  return element;
}

/** The shape of a product before there is one. */
export function skeleton() {
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

const clone = (id) => document.getElementById(id).content.cloneNode(true).firstElementChild;
const listed = (...words) => words.filter(Boolean).join(", ");
