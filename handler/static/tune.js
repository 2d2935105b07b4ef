/** The controls under Tune, limited to the options of this shop's API. */

import { strategyName } from "./words.js";

export const COUNT = 10;
const DEFAULT_SIMILAR = 5;

const find = (id) => document.getElementById(id);
const [ratio, ratioText, strategy, varied, quick] = ["ratio", "ratio-text", "strategy", "varied", "quick"].map(find);

/** The fields of a request for the next page. Defaults are left to the shop. */
export function request(wishes) {
  return {
    count: COUNT,
    similar: wishes.similar ?? DEFAULT_SIMILAR,
    filter: Object.keys(wishes.filter ?? {}).length ? wishes.filter : undefined,
    strategy: wishes.strategy || undefined,
    diverse: wishes.varied || undefined,
  };
}

/** Set the controls to `wishes`; `onChange` receives every change. */
export function offerTuning({ strategies = [], options = [] }, wishes, onChange) {
  const tell = () => {
    ratioText.textContent = `${ratio.value} to your taste, ${COUNT - ratio.value} others`;
    ratio.setAttribute("aria-valuetext", ratioText.textContent);
  };
  ratio.max = COUNT;
  ratio.value = wishes.similar ?? DEFAULT_SIMILAR;
  tell();
  ratio.addEventListener("input", () => {
    tell();
    onChange({ similar: Number(ratio.value) });
  });

  strategy.append(...strategies.map((name) => new Option(strategyName(name), name)));
  strategy.value = strategies.includes(wishes.strategy) ? wishes.strategy : "";
  strategy.closest("label").hidden = strategies.length < 2;
  strategy.addEventListener("change", () => onChange({ strategy: strategy.value }));

  varied.closest("label").hidden = !options.includes("diverse");
  for (const [box, name] of [[varied, "varied"], [quick, "quick"]]) {
    box.checked = Boolean(wishes[name]);
    box.addEventListener("change", () => onChange({ [name]: box.checked }));
  }
}
