// A picture of a document: drawn anew, so that nothing but its pixels is sent: no place, no time, no name of a camera. It is in memory alone.

/** Maximum size of a file that is opened, in bytes: pictures of large sensors have some twenty million. */
const MAX_FILE = 40_000_000;

/** Maximum length of the longer side that is sent, in pixels: beyond it letters get no clearer. */
const MAX_SIDE = 2_400;

/** Minimum length of the longer side, in pixels: with less no letter of a card can be read. */
const MIN_SIDE = 600;

/** How it is made smaller, in turn, until the server takes it: share of its sides, and quality. */
const WAYS = [
  [1, 0.92],
  [1, 0.8],
  [0.75, 0.8],
  [0.5, 0.75],
] as const;

/** A part of what is drawn, in its pixels. */
export interface Cut {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Photo {
  /** What is shown. */
  canvas: HTMLCanvasElement;
  /** What is sent: a JPEG. */
  file: Blob;
}

/** Why there is none. */
export type Flaw = "unreadable" | "large" | "small";

const encoded = (canvas: HTMLCanvasElement, quality: number): Promise<Blob | null> =>
  new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));

function drawn(source: CanvasImageSource, { x, y, width, height }: Cut, scale: number): HTMLCanvasElement | null {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  if (!context) return null;
  // What is seen through becomes paper.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, x, y, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** A picture of at most so many bytes from a part of what there is. */
export async function taken(source: CanvasImageSource, cut: Cut, limit: number): Promise<Photo | Flaw> {
  const longer = Math.max(cut.width, cut.height);
  if (longer < MIN_SIDE) return "small";
  for (const [share, quality] of WAYS) {
    const canvas = drawn(source, cut, share * Math.min(1, MAX_SIDE / longer));
    const file = canvas && (await encoded(canvas, quality));
    if (!canvas || !file) return "unreadable";
    if (file.size <= limit) return { canvas, file };
  }
  return "large";
}

/** A picture from a file, turned as its camera was. */
export async function opened(file: Blob, limit: number): Promise<Photo | Flaw> {
  if (file.size > MAX_FILE) return "large";
  let image: ImageBitmap;
  try {
    image = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return "unreadable";
  }
  const { width, height } = image;
  const photo = await taken(image, { x: 0, y: 0, width, height }, limit);
  image.close();
  return photo;
}
