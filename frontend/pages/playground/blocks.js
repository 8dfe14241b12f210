// Text as paragraphs and fenced code. Knows lines and fences; what a model writes is never HTML.

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`]*$/;
const MAYBE_FENCE = /^ {0,3}(`{1,2}|~{1,2}|`{3,}[^`]*|~{3,}.*)$/;

/**
 * `{ kind: "text" | "code", language, text }` in order. Until `isWhole`, a last line that may become a fence
 * is held back, so that nothing is shown as text first and as code a moment later.
 */
export function blocksOf(text, isWhole) {
  const lines = text.split("\n");
  if (!isWhole && MAYBE_FENCE.test(lines.at(-1))) lines.pop();
  const blocks = [];
  let fence = null;
  let open = null;
  for (const line of lines) {
    const found = FENCE.exec(line);
    if (fence ? isEnd(line, fence) : found) {
      fence = fence ? null : found[1];
      open = fence ? begin(blocks, "code", found[2]) : null;
    } else {
      open ??= begin(blocks, "text", "");
      open.lines.push(line);
    }
  }
  return blocks.map(finished).filter(({ kind, text }) => kind === "code" || text !== "");
}

function begin(blocks, kind, language) {
  const block = { kind, language, lines: [] };
  blocks.push(block);
  return block;
}

function isEnd(line, fence) {
  const bare = line.trim();
  return bare.length >= fence.length && bare === fence[0].repeat(bare.length);
}

/** A blank line beside a block of code is what separates them, not text. */
function finished({ kind, language, lines }, index, all) {
  const text = lines.join("\n");
  if (kind === "code") return { kind, language, text };
  const head = index > 0 ? text.replace(/^\n+/, "") : text;
  return { kind, language, text: index < all.length - 1 ? head.replace(/\n+$/, "") : head };
}
