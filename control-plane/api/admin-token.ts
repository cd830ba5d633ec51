import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { errorText } from "../../foundation/error-text.ts";

export const adminTokenName = "admin-token";

/** What changes through the admin need. Made at the first start, readable by the owner only. */
export async function loadAdminToken(path: string): Promise<string> {
  try {
    await writeFile(path, `${randomBytes(24).toString("base64url")}\n`, {
      mode: 0o600,
      flag: "wx",
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new Error(`Cannot make the admin token ${path}: ${errorText(error)}`, { cause: error });
    }
  }
  const token = (await readFile(path, "utf8")).trim();
  if (token === "") throw new Error(`Cannot use the admin token ${path}: the file is empty`);
  return token;
}
