// Makes elements. Text is always text here: nothing on this page is ever parsed as HTML.

/** `make("p.small", { id: "x", onclick }, "text", child)`: a tag with classes, properties, children. */
export function make(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(properties)) set(element, key, value);
  element.append(...children);
  return element;
}

function set(element, key, value) {
  if (key.includes("-") || key === "role") element.setAttribute(key, value);
  else element[key] = value;
}

const SVG = "http://www.w3.org/2000/svg";

export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** The element of that id; a typing mistake is an error at once. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** A quiet button with words. */
export function button(words, onclick, properties = {}) {
  return make("button.quiet", { type: "button", textContent: words, onclick, ...properties });
}

/** `text` replaces what the element says, and only if that is something else. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
