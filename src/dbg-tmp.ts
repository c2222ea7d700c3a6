import { readFileSync } from 'node:fs';
import { parseYaml } from './manifests/manifest.ts';
import { changeDocument } from './manifests/tree.ts';
import { spliceChanges } from './manifests/splice.ts';
const { text, chosen } = JSON.parse(readFileSync(0, 'utf8'));
const d = parseYaml(text);
console.log(text);
console.log(chosen);
try { console.log(spliceChanges(text, d, changeDocument(d, chosen))); } catch (e) { console.log(e); }
const w = parseYaml(text); changeDocument(w, chosen); console.log('== whole\n' + w.toString());
