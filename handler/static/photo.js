/** A shopper's own photo: dropped, pasted or picked, and scaled down for a fast upload. */

import { Problem } from "./api.js";

const LONGEST = 1024;
const THUMBNAIL = 160;
const QUALITY = 0.86;
const MAX_BYTES = 40_000_000;

/** Calls `onPhoto` with the first picture of every drop, paste or pick. */
export function listenForPhotos(input, onPhoto) {
  const body = document.body;
  let depth = 0;
  const lift = (change) => {
    depth = Math.max(0, depth + change);
    body.classList.toggle("dropping", depth > 0);
  };
  const isPicture = ({ type }) => type.startsWith("image/");
  const takeFrom = (files) => files?.length && onPhoto([...files].find(isPicture) ?? files[0]);

  input.addEventListener("change", () => {
    takeFrom(input.files);
    // Picking the same file again has to count as a change.
    input.value = "";
  });
  addEventListener("paste", ({ clipboardData }) => takeFrom(clipboardData?.files));
  const carriesFile = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => carriesFile(event) && lift(1));
  addEventListener("dragleave", (event) => carriesFile(event) && lift(-1));
  // Without this the browser would leave the gallery to show the file.
  addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    lift(-depth);
    takeFrom(event.dataTransfer.files);
  });
}

/** `{blob, thumbnail}`: a JPEG of at most 1024 pixels a side, and a data URL of a small one, which outlives a reload. */
export async function prepare(file) {
  if (file.size > MAX_BYTES) {
    const detail = "That photo is too large.";
    throw new Problem({ detail, remedy: "Choose one below 40 MB.", code: "image_too_large" });
  }
  // Applies the EXIF orientation, which a canvas ignores.
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Problem({
      detail: "This browser cannot read that file as a photo.",
      remedy: "Choose a JPEG, PNG or WebP picture.",
      code: "image_undecodable",
    });
  });
  const large = scaled(bitmap, LONGEST);
  const small = scaled(bitmap, THUMBNAIL);
  bitmap.close();
  const blob = await new Promise((resolve) => large.toBlob(resolve, "image/jpeg", QUALITY));
  return { blob, thumbnail: small.toDataURL("image/jpeg", QUALITY) };
}

function scaled(bitmap, longest) {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  // JPEG has no transparency; the default would be a black ground, and shops photograph on white.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}
