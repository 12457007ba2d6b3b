"use strict";
// A changed choice is shown at once; without this script, the button does it.
for (const field of document.querySelectorAll("form.filters select")) {
  field.addEventListener("change", () => {
    if (field.name === "days") {
      for (const day of field.form.querySelectorAll("input[type=date]")) day.value = "";
    }
    field.form.requestSubmit();
  });
}
// An address without empty fields.
for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData.entries()]) {
      if (value === "") event.formData.delete(name);
    }
  });
}
