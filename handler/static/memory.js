/**
 * A session that outlives a reload, in this tab only.
 *
 * The token alone would not do: it does not say what the page in front showed, nor why. A token that is older than the
 * last answer still works, so a failed write costs nothing but the latest step.
 */

const KEY = "vitrine";

/** The session last saved, or null if there is none that can be shown. */
export function load() {
  try {
    const saved = JSON.parse(sessionStorage.getItem(KEY));
    return Array.isArray(saved?.page?.items) && Array.isArray(saved.past) ? saved : null;
  } catch {
    return null;
  }
}

export function save(session) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(session));
  } catch {
    // Storage is full or forbidden: the page works on without surviving a reload.
  }
}
