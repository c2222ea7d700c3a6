/** Namespaces of the cases with their annotations; those of OpenShift have ranges of ids in all their forms. */
export const namespaces: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  n: {},
  both: {
    'openshift.io/sa.scc.uid-range': '1000620000/10000',
    'openshift.io/sa.scc.supplemental-groups': '1000630000/10000,5/5',
  },
  users: { 'openshift.io/sa.scc.uid-range': '1000620000-1000629999' },
  groups: { 'openshift.io/sa.scc.supplemental-groups': '1000640000/10000' },
  broken: { 'openshift.io/sa.scc.uid-range': 'x', 'openshift.io/sa.scc.supplemental-groups': '' },
};
