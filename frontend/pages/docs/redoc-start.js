"use strict";

const place = document.getElementById("redoc");

Redoc.init("openapi.json", { nonce: place.dataset.nonce, nativeScrollbars: true }, place);
