import type { PodSettings } from '../../settings/effective.ts';
import { describeEdit } from './application.ts';
import type { Added } from '../decision.ts';
import { allOf, type Plan } from './plan.ts';

/** Summarises what the plan adds, for display. `effective` is undefined in istiod mode (Istio's own settings apply). */
export function addedBy(plan: Plan, native: boolean, effective: PodSettings | undefined): Added {
  return {
    initContainers: allOf(plan.containers.initContainers),
    containers: allOf(plan.containers.containers),
    volumes: allOf(plan.volumes),
    imagePullSecrets: allOf(plan.imagePullSecrets).map(({ name }) => name),
    probes: plan.edits.map((edit) => `${edit.at.name} ${edit.field}`),
    sleeps: plan.sleeps.map(({ at, seconds }) => `${at.name} ${seconds} s`),
    edits: plan.applicationEdits.map(describeEdit),
    templates: plan.templates,
    native,
    profile: effective?.profile,
    effective,
  };
}
