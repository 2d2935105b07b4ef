/**
 * Keeps a session across reloads, and makes it shareable.
 *
 * The token is in the address, after the `#`, which browsers never send: anyone with the link can continue. The token
 * lacks the items of the page in front and their reasons, so session storage keeps those. A token older than the last
 * answer still works, so a failed write loses only the latest step.
 */

const SESSION = "vitrine";
const WISHES = "vitrine-wishes";
const MARK = "#s=";

/** The token that the address carries, or "". */
export const sharedToken = () => (location.hash.startsWith(MARK) ? location.hash.slice(MARK.length) : "");

/** The session last saved in this tab; null without one, or if the address has the token of another. */
export function load() {
  const saved = read(SESSION);
  const whole = Array.isArray(saved?.page?.items) && [saved.past, saved.liked, saved.disliked].every(Array.isArray);
  const token = sharedToken();
  return whole && (!token || token === saved.page.session) ? saved : null;
}

export function save(session) {
  write(SESSION, session);
  // Replaced, not pushed: the back button leaves the gallery instead of stepping through tokens.
  history.replaceState(history.state, "", `${MARK}${session.page.session}`);
}

/** The shopper's settings: filters, and the controls under Tune. */
export const loadWishes = () => read(WISHES) ?? {};
export const saveWishes = (wishes) => write(WISHES, wishes);

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: the page still works, and a reload continues from the address.
  }
}
