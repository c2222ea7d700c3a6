import { caBundleCheck } from './checks/ca-bundle.ts';
import { deploymentCheck, endpointsCheck } from './checks/deployment.ts';
import { dryRunCheck } from './checks/dry-run.ts';
import { otherInjectorsCheck } from './checks/other-injectors.ts';
import { namespaceDefaultsCheck } from './checks/namespace-defaults.ts';
import { podSecurityCheck } from './checks/pod-security.ts';
import { costCheck, deniedPodsCheck, missedPodsCheck, outdatedPodsCheck } from './checks/pods.ts';
import { registrationCheck } from './checks/registration.ts';
import { replicaCertificatesCheck } from './checks/replica-certificates.ts';
import { rightsCheck } from './checks/rights.ts';
import { roomCheck } from './checks/room.ts';
import { selectorsCheck } from './checks/selectors.ts';
import { settingsCheck } from './checks/settings.ts';
import { versionsCheck } from './checks/versions.ts';
import { good, type Section } from './finding.ts';

/** All checks, in order: what the later ones depend on comes first. */
export const sections: readonly Section[] = [
  {
    name: 'API server',
    isAwaited: true,
    checks: [
      {
        id: 'api-server',
        title: 'the API server answers',
        ask: async (cluster) => good(`Kubernetes ${await cluster.version()}`),
      },
    ],
  },
  { name: 'Registration', isAwaited: true, checks: [registrationCheck, selectorsCheck, otherInjectorsCheck] },
  {
    name: 'Injector',
    isAwaited: true,
    checks: [rightsCheck, deploymentCheck, endpointsCheck, settingsCheck, versionsCheck],
  },
  { name: 'Certificates', isAwaited: true, checks: [caBundleCheck, replicaCertificatesCheck] },
  { name: 'Injection', isAwaited: true, checks: [dryRunCheck] },
  { name: 'Namespaces', isAwaited: false, checks: [podSecurityCheck, namespaceDefaultsCheck, roomCheck] },
  { name: 'Pods', isAwaited: false, checks: [missedPodsCheck, deniedPodsCheck, outdatedPodsCheck, costCheck] },
];
