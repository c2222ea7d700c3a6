// manifests.ts   writes the manifests that are generated
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { installFile, meshFile, renderInstall, renderMesh } from './manifests/install.ts';
import { meshCrdsFile, ownCrdFile, renderMeshCrds, renderOwnCrd } from './manifests/mesh-crds.ts';
import { registrationFile, renderRegistration } from './manifests/registration.ts';
import { renderSidecars, sidecarsFile } from './manifests/sidecars.ts';
import { root } from './checkout.ts';
import { findProgram, prepareKubernetes } from '../test/harness/tools/kubernetes.ts';
import { joinEnvironments } from '../test/harness/tools/tool.ts';

// kustomize reads these: they come first.
await writeFile(path.join(root, registrationFile), renderRegistration());
await writeFile(path.join(root, sidecarsFile), renderSidecars());
await writeFile(path.join(root, meshCrdsFile), renderMeshCrds());
await writeFile(path.join(root, ownCrdFile), renderOwnCrd());
const kubectl = findProgram('kubectl', joinEnvironments([await prepareKubernetes(['kubectl'])]));
await writeFile(path.join(root, installFile), await renderInstall(kubectl));
await writeFile(path.join(root, meshFile), await renderMesh(kubectl));
for (const file of [registrationFile, sidecarsFile, meshCrdsFile, ownCrdFile, installFile, meshFile])
  process.stdout.write(`${file}\n`);
