// Pictures of documents, drawn anew: what a file has besides its picture, such as where it was taken, is left behind.

/** Largest file that is opened, in bytes. */
const MAX_FILE = 25_000_000;

/** Width of what is looked at for a hint, in pixels. */
const LOOKED_AT = 320;

/** Variance of the Laplacian below which a picture is blurred, and the share of white from which it glares. */
const SHARP = 60;
const GLARE = 0.06;

/** What is wrong with what a camera sees, by the name of its words. */
export type Hint = "blurred" | "glare" | "good";

/** A picture of at most so many pixels on its long side. */
export function drawn(source: CanvasImageSource, width: number, height: number, most: number): HTMLCanvasElement | null {
  if (!width || !height) return null;
  const scale = Math.min(1, most / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d", { alpha: false });
  context?.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context ? canvas : null;
}

/** The picture in a file, turned as its maker held it; `null` if it is none. */
export async function picture(file: File, most: number): Promise<HTMLCanvasElement | null> {
  if (file.size > MAX_FILE) return null;
  try {
    const bitmap = await createImageBitmap(file);
    const canvas = drawn(bitmap, bitmap.width, bitmap.height, most);
    bitmap.close();
    return canvas;
  } catch {
    return null;
  }
}

/** What is wrong with what a camera sees now; `null` while it sees nothing. */
export function hint(video: HTMLVideoElement): Hint | null {
  const canvas = drawn(video, video.videoWidth, video.videoHeight, LOOKED_AT);
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return null;
  const { width, height } = canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const grey = new Float32Array(width * height);
  let white = 0;
  for (let at = 0; at < grey.length; at++) {
    const value = 0.299 * data[4 * at]! + 0.587 * data[4 * at + 1]! + 0.114 * data[4 * at + 2]!;
    grey[at] = value;
    if (value > 250) white++;
  }
  if (white / grey.length > GLARE) return "glare";
  let [sum, squares, count] = [0, 0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const edge = grey[at - 1]! + grey[at + 1]! + grey[at - width]! + grey[at + width]! - 4 * grey[at]!;
      sum += edge;
      squares += edge * edge;
      count++;
    }
  }
  const mean = sum / count;
  return squares / count - mean * mean < SHARP ? "blurred" : "good";
}
