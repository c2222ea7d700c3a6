// descriptors.ts   writes the types of Envoy's API that the control plane uses; needs Go
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from './checkout.ts';

const file = 'src/mesh/wire/envoy.binpb.gz';

// The module's version is that of the Envoy of the images: its API has exactly the fields that this Envoy knows.
const descriptors = execFileSync('go', ['run', '.'], {
  cwd: path.join(root, 'scripts/descriptors'),
  maxBuffer: 16 * 1024 * 1024,
});
writeFileSync(path.join(root, file), gzipSync(descriptors, { level: 9 }));
process.stdout.write(`${file}\n`);
