// Light or dark: as the system is, until one asks for the other.

/** Dresses the page now and whenever the system or the button says so; `changed` follows. */
function wearTheme(button, changed) {
  const { dataset } = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const wear = (dark) => {
    dataset.theme = dark ? "dark" : "light";
    changed();
  };
  system.addEventListener("change", () => wear(system.matches));
  button.addEventListener("click", () => wear(dataset.theme !== "dark"));
  wear(system.matches);
}
