// manifests.ts   writes the manifests that are generated
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { installFile, meshFile, renderInstall, renderMesh } from './manifests/install.ts';
import { dashboards, renderDashboard } from './manifests/monitoring/dashboards.ts';
import { plainRulesFile, renderPlainRules, renderRules, rulesFile } from './manifests/monitoring/rules.ts';
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
await writeFile(path.join(root, rulesFile), renderRules());
await writeFile(path.join(root, plainRulesFile), renderPlainRules());
for (const [file, dashboard] of Object.entries(dashboards))
  await writeFile(path.join(root, file), renderDashboard(dashboard));
const kubectl = findProgram('kubectl', joinEnvironments([await prepareKubernetes(['kubectl'])]));
await writeFile(path.join(root, installFile), await renderInstall(kubectl));
await writeFile(path.join(root, meshFile), await renderMesh(kubectl));
for (const file of [
  registrationFile,
  sidecarsFile,
  meshCrdsFile,
  ownCrdFile,
  rulesFile,
  plainRulesFile,
  ...Object.keys(dashboards),
  installFile,
  meshFile,
])
  process.stdout.write(`${file}\n`);
