import type { Site, Step } from '../site.ts';
import { address, hex, image, name, suffix, uid } from '../text.ts';

const OPEN = 50;

/** Events: created once, some counted up. etcd removes them with their leases. */
export function events({ api, random, namespace, nodes, time }: Site): Step {
  const path = `/api/v1/namespaces/${namespace}/events`;
  const open: { event: string; count: number }[] = [];
  return async function tell() {
    if (open.length > 0 && random.below(3) === 0) {
      const again = random.pick(open);
      again.count += 1;
      const patch = { count: again.count, lastTimestamp: time() };
      return api.change(`${path}/${again.event}`, 'kubelet', 'strategic', patch);
    }
    const pod = `${name(random)}-${suffix(random, 10)}-${suffix(random)}`;
    const event = `${pod}.${hex(random, 16)}`;
    const [type, reason, message] = random.pick([
      [
        'Normal',
        'Pulled',
        `Successfully pulled image "${image(random)}" in ${random.below(9000)}ms. Image size: ${random.below(9e8)} bytes.`,
      ],
      ['Normal', 'Scheduled', `Successfully assigned ${namespace}/${pod} to ${random.pick(nodes)}`],
      ['Normal', 'Created', `Created container: ${name(random)}`],
      [
        'Warning',
        'Unhealthy',
        `Readiness probe failed: Get "http://${address(random)}:8080/readyz": context deadline exceeded`,
      ],
      [
        'Warning',
        'BackOff',
        `Back-off restarting failed container app in pod ${pod}_${namespace}(${uid(random)})`,
      ],
    ] as const);
    const at = time();
    await api.create(path, 'kubelet', {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: event, namespace },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        name: pod,
        namespace,
        uid: uid(random),
        fieldPath: 'spec.containers{app}',
      },
      type,
      reason,
      message,
      source: { component: 'kubelet', host: random.pick(nodes) },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    });
    open.push({ event, count: 1 });
    if (open.length > OPEN) open.shift();
  };
}
