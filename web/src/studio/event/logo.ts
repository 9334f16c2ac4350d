// Makes a picture fit for the server: PNG, JPEG or WebP of at most 64 KiB. A larger one is drawn smaller.

/** The formats that the server takes. */
export const KINDS = ["image/png", "image/jpeg", "image/webp"];
/** The most bytes of a picture. */
export const MOST = 64 * 1024;

/** Returns the picture to send, or what is wrong with it. */
export async function fitted(file: File): Promise<{ picture: Blob } | { fault: string }> {
  if (KINDS.includes(file.type) && file.size <= MOST) return { picture: file };
  try {
    const whole = await createImageBitmap(file);
    for (const side of [512, 320, 192]) {
      const ratio = Math.min(1, side / Math.max(whole.width, whole.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(whole.width * ratio));
      canvas.height = Math.max(1, Math.round(whole.height * ratio));
      canvas.getContext("2d")!.drawImage(whole, 0, 0, canvas.width, canvas.height);
      for (const kind of ["image/webp", "image/png"]) {
        const picture = await new Promise<Blob | null>((done) => {
          canvas.toBlob(done, kind, 0.9);
        });
        // A browser that cannot write a format writes PNG.
        if (picture && picture.size <= MOST && KINDS.includes(picture.type)) return { picture };
      }
    }
    return { fault: "This picture stays above 64 KiB however small it is drawn; take a simpler one." };
  } catch {
    return { fault: "This is no picture that a browser can read: take a PNG, JPEG or WebP." };
  }
}
