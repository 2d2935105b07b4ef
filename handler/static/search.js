/** The search field, with a preview of the results while the shopper types. */

import { searchByWords } from "./api.js";

const PAUSE_MS = 200;
const SHORTEST = 2;
const PREVIEWED = 6;

/** The preview applies `filter()`. `onSearch` receives the text on Enter or a tap, and returns whether it took it. */
export function offerSearch(form, filter, onSearch) {
  const [input, panel, show, note] = ["input", ".panel", "button", ".note"].map((part) => form.querySelector(part));
  const thumbs = form.querySelector(".thumbs");
  let timer = 0;
  let asking = new AbortController();

  const words = () => input.value.trim().replace(/\s+/g, " ");
  const stop = () => {
    clearTimeout(timer);
    asking.abort();
  };
  const close = () => {
    stop();
    panel.hidden = true;
  };

  async function look() {
    const text = words();
    asking = new AbortController();
    const { signal } = asking;
    try {
      const { items } = await searchByWords({ text, count: PREVIEWED, filter: filter() }, signal);
      if (!signal.aborted) tell(text, items);
    } catch (problem) {
      if (!signal.aborted) tell(text, [], problem.message);
    }
  }

  function tell(text, items, trouble = `Nothing matches “${text}”.`) {
    thumbs.replaceChildren(...items.map(picture));
    show.hidden = !items.length;
    show.querySelector("b").textContent = `Show results for “${text}”`;
    note.textContent = items.length ? "" : trouble;
    panel.hidden = false;
  }

  input.addEventListener("input", () => {
    stop();
    if (words().length < SHORTEST) panel.hidden = true;
    else timer = setTimeout(look, PAUSE_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!words()) return;
    close();
    if (onSearch(words())) input.value = "";
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    // The first press closes the panel; the field itself clears at the second.
    event.preventDefault();
    close();
    input.focus();
  });
  form.addEventListener("focusout", ({ relatedTarget }) => form.contains(relatedTarget) || close());
  addEventListener("pointerdown", ({ target }) => form.contains(target) || close());
}

function picture({ image_url }) {
  const image = new Image();
  image.alt = "";
  image.src = image_url;
  return image;
}
