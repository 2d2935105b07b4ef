/** Everything the page says, made from what the API answered. */

const counted = new Intl.NumberFormat("en");

export const nameOf = ({ id, fields }) => String(fields.name ?? fields.title ?? id);

/** With its currency where the shop says which; a bare number else, as any sign would be a guess. */
export function priceOf({ fields: { price, currency } }) {
  if (typeof price !== "number") return "";
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(price);
  } catch {
    return new Intl.NumberFormat(undefined, { minimumFractionDigits: Number.isInteger(price) ? 0 : 2 }).format(price);
  }
}

/** The products liked so far, in the order in which they were. */
export const likedOf = (past) => past.map(({ liked }) => liked).filter(Boolean);

/** Heading, hint and progress of a page. */
export function sentence({ round, items, remaining }, past) {
  if (!items.length) {
    return {
      heading: "That was everything.",
      hint: `You have seen all there is and liked ${likedOf(past).length || "none"}. Start over to look with fresh eyes.`,
      progress: "Nothing left",
    };
  }
  return {
    heading: "What catches your eye?",
    hint: hint(items, remaining),
    progress: `Round ${round} · ${remaining ? `${counted.format(remaining)} left` : "the last ones"}`,
  };
}

function hint(items, remaining) {
  const similar = items.filter(({ reason }) => reason === "similar").length;
  const other = items.length - similar;
  if (!remaining) return "These are the last ones.";
  if (!similar) return "Tap one, and see more like it.";
  return other ? `${similar} close to your taste, ${other} to surprise you.` : "All close to your taste.";
}
