/** All text of the page, derived from answers of the API. */

const counted = new Intl.NumberFormat("en");
const STRATEGIES = {
  mean: "Everything you liked, equally",
  recency: "Your latest likes first",
  rocchio: "Likes, minus what you passed over",
  bayes: "Find the one I have in mind",
};

/** A product's name, else its category, else nothing: an id is for machines. */
export const nameOf = ({ fields: { name, title, category } }) =>
  String(name ?? title ?? (category ? labelOf(String(category)) : ""));
export const plainNumber = (value) => new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 }).format(value);
export const strategyName = (name) => STRATEGIES[name] ?? labelOf(name);

/** A column's or cell's text as a label. */
export function labelOf(name) {
  const words = name.replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A price with its currency, or a bare number if the shop names no currency. */
export function priceOf({ fields: { price, currency } }) {
  if (typeof price !== "number") return "";
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(price);
  } catch {
    return new Intl.NumberFormat(undefined, { minimumFractionDigits: Number.isInteger(price) ? 0 : 2 }).format(price);
  }
}

/** Why a product is on the page: a badge, and a line if a like or a search is the reason. */
export function reasonOf({ reason }, liked) {
  if (reason === "similar") return { badge: "For you", line: liked ? "because you liked" : "" };
  if (reason === "searched") return { badge: "Found", line: liked ? "you searched for" : "" };
  if (reason === "explore") return { badge: "Exploring", line: "" };
  return reason === "random" ? { badge: "Surprise", line: "" } : { badge: "", line: "" };
}

/** Heading, hint and progress of a page. */
export function sentence({ page, gone, filtered }, quick) {
  const { round, items, remaining } = page;
  const left = remaining ? `${counted.format(remaining)} left` : "the last ones";
  const say = (heading, hint, progress) => ({ heading, hint, progress });
  if (items.length) return say("What catches your eye?", hintOf(page, gone, quick), `Round ${round} · ${left}`);
  if (gone) return say("That page is gone.", "The shop has replaced its products. Your likes still count.", left);
  if (filtered) return say("Nothing more fits your filters.", "Clear them to see all else.", "Nothing left that fits");
  return say("That was everything.", "You have seen all there is. Start over to look with fresh eyes.", "Nothing left");
}

function hintOf({ items, remaining, searched }, gone, quick) {
  if (gone) return `${gone} of this page’s products ${gone === 1 ? "has" : "have"} left the shop.`;
  if (!remaining) return "These are the last ones.";
  const count = (wanted) => items.filter(({ reason }) => reason === wanted).length;
  const counts = ["searched", "similar", "explore", "random"].map(count);
  if (counts[0] || counts[1] || counts[2]) {
    const ends = [`for “${searched}”`, "close to your taste", "to learn it", "to surprise you"];
    return `${counts.flatMap((each, place) => (each ? [`${each} ${ends[place]}`] : [])).join(", ")}.`;
  }
  return quick ? "Tap one, and see more like it." : "Tap all you like. Hold what you don’t.";
}

/** Label and detail of the Next button. */
export function nextWords({ page, liked, disliked, filtered }, tasteCount, { count, similar, filter }) {
  if (!page.items.length && !page.remaining) {
    return filtered ? ["Clear filters", "and continue"] : ["Start over", "from the beginning"];
  }
  const mine = tasteCount ? similar : 0;
  const parts = [mine && `${mine} to your taste`, mine && mine < count && `${count - mine} new`].filter(Boolean);
  const detail = parts.join(" · ") || `${count} others`;
  return [liked.length + disliked.length ? "Next" : "None of these", filter ? `${detail} that fit` : detail];
}
