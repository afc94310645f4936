/** What the chart says of nodes where nobody else does. */

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

export const LINUX = { 'kubernetes.io/os': 'linux' };

/** As a pod has it, beside its node selector. */
export const ON_CONTROL_PLANE = {
  tolerations: [{ key: CONTROL_PLANE, operator: 'Exists', effect: 'NoSchedule' }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: CONTROL_PLANE, operator: 'Exists' }] }],
      },
    },
  },
};
