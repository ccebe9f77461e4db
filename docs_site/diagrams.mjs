// Draws Mermaid's text as SVG: reads a JSON list of texts, writes a JSON list of pictures.
import { readFileSync } from "node:fs";
import { renderMermaidSVG } from "beautiful-mermaid";

const colours = { bg: "var(--md-default-bg-color)", fg: "var(--md-default-fg-color)", transparent: true };
const texts = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => renderMermaidSVG(text, colours))));
