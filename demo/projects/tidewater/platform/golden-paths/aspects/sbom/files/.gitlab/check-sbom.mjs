// Checks a CycloneDX file against the policy beside this script. Usage: node check-sbom.mjs FILE
import { readFileSync } from "node:fs";

const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const policy = read(new URL("sbom-policy.json", import.meta.url));
const bom = read(process.argv[2]);

if (bom.bomFormat !== "CycloneDX") {
  console.error(process.argv[2] + " is not a CycloneDX file.");
  process.exit(1);
}

const forbidden = new Set(policy.forbiddenLicences);
const components = bom.components ?? [];
const problems = components.flatMap((component) =>
  (component.licenses ?? [])
    .map((entry) => entry.license?.id ?? entry.expression)
    .filter((licence) => forbidden.has(licence))
    .map((licence) => component.name + " " + (component.version ?? "") + " has licence " + licence),
);

problems.forEach((problem) => console.error(problem));
console.log(components.length + " libraries, " + problems.length + " with a forbidden licence.");
process.exit(problems.length ? 1 : 0);
