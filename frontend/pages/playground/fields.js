// The settings' form as the fields of a request. Knows kinds of fields; what they mean is the server's to say.

const READERS = {
  word: (text) => text,
  number: Number,
  lines: (text) => text.split("\n").filter((line) => line !== ""),
  json: JSON.parse,
  schema: (text) => ({ type: "json_schema", json_schema: { name: "answer", schema: JSON.parse(text) } }),
};

/** What was set; what was left empty is not there. Raises SyntaxError where JSON is asked for and something else stands. */
export function fieldsOf(form) {
  const controls = [...form.elements].filter((control) => control.dataset?.kind);
  const fields = {};
  for (const control of controls) {
    const value = valueOf(control);
    if (value !== undefined) fields[control.name] = value;
  }
  for (const { name, dataset } of controls) {
    if (dataset.with && !(dataset.with in fields)) delete fields[name];
  }
  return fields;
}

function valueOf(control) {
  if (control.dataset.kind === "flag") return control.checked || undefined;
  const text = control.value.trim() === "" ? "" : control.value;
  return text === "" ? undefined : READERS[control.dataset.kind](text);
}

/** Says under a field of JSON what is wrong with it, as it is typed. */
export function watchJson(form) {
  for (const control of form.querySelectorAll('[data-kind="json"], [data-kind="schema"]')) {
    control.addEventListener("input", () => control.setCustomValidity(faultOf(control.value)));
  }
}

function faultOf(text) {
  try {
    if (text.trim()) JSON.parse(text);
    return "";
  } catch (error) {
    return `This is not JSON: ${error.message}`;
  }
}

/** Whether all fields can be read; else the first that cannot is shown, wherever it is folded away. */
export function isReadable(form, unfold) {
  const faulty = [...form.elements].find((control) => control.validity?.valid === false);
  if (!faulty) return true;
  unfold();
  const group = faulty.closest("details");
  if (group) group.open = true;
  faulty.reportValidity();
  return false;
}
