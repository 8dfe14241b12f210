"use strict";

// Comes before Redoc, for two things that it does whatever its options say, and that the page's policy forbids: a style
// sheet without the page's mark, and a picture from its maker's site. One that is no picture is taken away by Redoc itself.
const { nonce } = document.getElementById("redoc").dataset;

const prepare = {
  style: (element) => element.setAttribute("nonce", nonce),
  img: (element) => {
    const empty = () => Element.prototype.setAttribute.call(element, "src", "data:,");
    element.setAttribute = empty;
    Object.defineProperty(element, "src", { set: empty });
  },
};

document.createElement = function createElement(name, ...options) {
  const element = Document.prototype.createElement.call(this, name, ...options);
  prepare[name]?.(element);
  return element;
};
