import { expect, test } from '@jest/globals';
import { denialSentences, reasonsOf } from '../../../../src/injection/policy/reason.ts';
import { decideOn, podWith } from '../../../support/builders/decisions.ts';
import { writeAnswer } from '../../../../src/admission/answer.ts';

const remedy =
  "; take this out of the pod's own copy, or give the container another name if it is not meant to change ours";

test('a denial of an own copy lists what is allowed once for each container, and what to do once', () => {
  const copy = { image: 'auto', command: ['sh'], workingDir: '/x', tty: true };
  const pod = podWith({
    spec: {
      initContainers: [{ name: 'istio-init', ...copy }],
      containers: [{ name: 'app' }, { name: 'istio-proxy', ...copy }],
    },
  });
  const decision = decideOn(pod);
  expect(denialSentences(decision.reasons)).toEqual([
    'container "istio-init", command, workingDir, tty: may not be set; allowed: name, image, resources (InvalidOverride)',
    `container "istio-proxy", command, workingDir, tty: may not be set; allowed: name, image, env, resources, ports, readinessProbe, livenessProbe, startupProbe, lifecycle, volumeMounts, securityContext${remedy} (InvalidOverride)`,
  ]);
  expect(writeAnswer('u', decision).before.split(remedy)).toHaveLength(2);
});

test('what has another cause has no such remedy', () => {
  const reasons = reasonsOf('InvalidOverride', [
    { where: 'container "istio-proxy", image', message: 'is not allowed' },
  ]);
  expect(denialSentences(reasons)).toEqual(['container "istio-proxy", image: is not allowed (InvalidOverride)']);
});
