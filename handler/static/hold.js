/** Distinguishes a tap from a long press. */

const HOLD_MS = 450;
const SLIP_PX = 10;

/** Calls `onTap` for a tap, a click or a key, and `onHold` for a long press. Never both. */
export function tapOrHold(button, onTap, onHold) {
  let timer = 0;
  let held = false;
  let from = null;

  const release = () => clearTimeout(timer);

  button.addEventListener("pointerdown", (event) => {
    held = false;
    if (!event.isPrimary || event.button !== 0) return;
    from = event;
    timer = setTimeout(() => {
      held = true;
      navigator.vibrate?.(12);
      onHold();
    }, HOLD_MS);
  });
  button.addEventListener("pointermove", (event) => {
    if (from && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > SLIP_PX) release();
  });
  for (const over of ["pointerup", "pointercancel", "pointerleave"]) button.addEventListener(over, release);
  // A long touch on a picture would open the browser's menu for pictures.
  button.addEventListener("contextmenu", (event) => event.pointerType !== "mouse" && event.preventDefault());
  button.addEventListener("click", (event) => {
    // A click by keyboard has no press before it and `detail` 0.
    const heldBefore = held && event.detail > 0;
    held = false;
    if (!heldBefore) onTap();
  });
}
