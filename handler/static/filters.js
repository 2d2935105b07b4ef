/** Filter controls for the fields of the catalog. */

import { labelOf, plainNumber } from "./words.js";

const MAX_VALUES = 24;
const MAX_FIELDS = 8;

const clone = (id) => document.getElementById(id).content.cloneNode(true).firstElementChild;

/** Whether a field makes a useful filter: a field of one value narrows nothing, one of many is better searched. */
const offered = ({ kind, values, minimum, maximum }) =>
  kind === "number" ? minimum < maximum : kind === "boolean" || (values?.length > 1 && values.length <= MAX_VALUES);

/** Short groups come first: long ones may fill a phone's screen. */
const isLong = ({ kind }) => kind === "keyword";

/** Fill `box` with a group for each field, set to `filter`; `onChange` receives every new filter. */
export function offerFilters(box, fields, filter, onChange) {
  const shown = fields.filter(offered).sort((one, other) => isLong(one) - isLong(other)).slice(0, MAX_FIELDS);
  const groups = shown.map((field) => group(field, filter[field.name]));
  box.replaceChildren(...groups.map(({ element }) => element));
  box.addEventListener("input", () => onChange(Object.fromEntries(groups.flatMap(({ read }) => read()))));
  return groups.length;
}

/** Reset every control of `box`. */
export function clearFilters(box) {
  for (const input of box.querySelectorAll("input")) {
    input.checked = false;
    if (input.type === "number") input.value = "";
  }
}

function group(field, chosen) {
  const element = clone("filter");
  const controls = element.querySelector(".controls");
  element.querySelector("legend").textContent = labelOf(field.name);
  if (field.kind === "number") return { element, read: range(field, chosen, controls) };
  element.querySelector("legend").classList.toggle("unseen", field.kind === "boolean");
  if (field.kind === "boolean") return { element, read: toggle(field, chosen, controls) };
  return { element, read: choice(field, chosen, controls) };
}

function choice({ name, values }, chosen = [], controls) {
  const chips = values.map((value) => chip(labelOf(value), chosen.includes(value)));
  controls.append(...chips);
  const isOn = (_, place) => chips[place].querySelector("input").checked;
  return () => {
    const on = values.filter(isOn);
    return on.length ? [[name, on]] : [];
  };
}

function toggle({ name }, chosen = false, controls) {
  const only = chip(`${labelOf(name)} only`, chosen);
  controls.append(only);
  return () => (only.querySelector("input").checked ? [[name, true]] : []);
}

function range({ name, minimum, maximum }, chosen = {}, controls) {
  const ends = clone("range");
  const [from, to] = ends.querySelectorAll("input");
  const [low, high] = maximum - minimum > 10 ? [Math.floor(minimum), Math.ceil(maximum)] : [minimum, maximum];
  from.placeholder = plainNumber(low);
  to.placeholder = plainNumber(high);
  from.value = chosen.gte ?? "";
  to.value = chosen.lte ?? "";
  controls.append(ends);
  return () => {
    const given = [from, to].filter(({ value }) => value !== "").map((input) => input.valueAsNumber);
    // Reversed ends mean the range between them.
    if (given.length === 2) return [[name, { gte: Math.min(...given), lte: Math.max(...given) }]];
    return given.length ? [[name, { [from.value === "" ? "lte" : "gte"]: given[0] }]] : [];
  };
}

function chip(label, checked) {
  const element = clone("chip");
  element.querySelector("input").checked = checked;
  element.querySelector("span").textContent = label;
  return element;
}
