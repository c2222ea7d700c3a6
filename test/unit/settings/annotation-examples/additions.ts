import type { Examples } from './example.ts';

export const additions: Examples = {
  'sidecar.istio.io/userVolume': {
    good: '{"cache":{"emptyDir":{}}}',
    effect: ({ proxy }) => proxy.additions.volumes,
    value: [{ name: 'cache', emptyDir: {} }],
    bad: '{"host":{"hostPath":{"path":"/"}}}',
    message:
      '"host" has source "hostPath", which an annotation may not ask for; allowed: emptyDir, configMap, downwardAPI, projected, persistentVolumeClaim',
  },
  'sidecar.istio.io/userVolumeMount': {
    good: '[{"name":"cache","mountPath":"/cache","readOnly":true}]',
    effect: ({ proxy }) => proxy.additions.volumeMounts,
    value: [{ name: 'cache', mountPath: '/cache', readOnly: true }],
    bad: '{"cache":{"mountPath":"/usr/local/bin"}}',
    message:
      '"cache" is mounted at "/usr/local/bin"; allowed: in or below /cache, /certs, /config, /data, /etc/certs, /etc/envoy, /etc/istio, /home, /media, /mnt, /opt, /srv, /tmp, /var/cache, /var/lib, /var/local, /var/log',
  },
  'sidecar-injector.io/proxyEnv': {
    good: '{"TZ":"Europe/Berlin"}',
    effect: ({ proxy }) => proxy.additions.env,
    value: [{ name: 'TZ', value: 'Europe/Berlin' }],
    bad: '[{"name":"OTEL_KEY","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]',
    message: '"OTEL_KEY" may come from one of fieldRef, resourceFieldRef, configMapKeyRef alone',
  },
};
