// Pictures on their way into a post. Photographs are drawn anew, which leaves out what the camera wrote into them, and
// what is too large is drawn smaller.
import type { Picked } from "./drafts.ts";

/** Bytes of one picture, as the protocol has it. */
export const BYTES_MAX = 2_000_000;
/** Bytes of a file that is looked at. */
const FILE_BYTES_MAX = 50_000_000;
/** Pixels of a side that is drawn anew. */
const SIDE_MAX = 2_048;
const TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"];
/** How it is tried to be made small enough, one after the other. */
const TRIES: [quality: number, side: number][] = [[0.9, SIDE_MAX], [0.8, SIDE_MAX], [0.75, 1_440], [0.7, 1_024]];

export async function picked(file: File): Promise<Picked> {
  if (!TYPES.includes(file.type)) throw new Error(`“${file.name}” is not a JPEG, PNG, WebP or GIF.`);
  if (file.size > FILE_BYTES_MAX) throw new Error(`“${file.name}” has more than 50 MB.`);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`“${file.name}” cannot be read as a picture.`);
  }
  const { width, height } = bitmap;
  try {
    if (file.type !== "image/jpeg" && file.size <= BYTES_MAX) return await ready(file, file.type, width, height);
    for (const [quality, side] of TRIES) {
      const scale = Math.min(1, side / Math.max(width, height));
      const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
      const blob = await drawn(bitmap, w, h, quality);
      if (blob !== null && blob.size <= BYTES_MAX) return await ready(blob, blob.type, w, h);
    }
  } finally {
    bitmap.close();
  }
  throw new Error(`“${file.name}” cannot be made smaller than 2 MB.`);
}

async function drawn(bitmap: ImageBitmap, width: number, height: number, quality: number): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (context === null) return null;
  // JPEG knows no transparency.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
}

async function ready(blob: Blob, type: string, width: number, height: number): Promise<Picked> {
  const shown = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error("The picture cannot be read."));
    reader.readAsDataURL(blob);
  });
  return { blob, type, shown, alt: "", width, height };
}
