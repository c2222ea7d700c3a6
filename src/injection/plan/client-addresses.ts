import { applicationContainers } from '../../pod/containers.ts';
import { annotationNames } from '../../pod/annotation-names.ts';
import { loopbackSource } from '../../pod/conventions.ts';
import type { PodView } from '../../pod/view.ts';
import { quote } from '../../grammar/problem.ts';
import { stringMember } from '../../json/json.ts';
import type { PodSettings } from '../../settings/effective.ts';
import { capturesInbound } from '../../sidecars/standalone/capture-intent.ts';

/** A well-known server that does something with the address of its client. */
interface Server {
  readonly name: string;
  /** Last part of its image's repository. */
  readonly images: readonly string[];
  readonly port: number;
  readonly consequence: string;
}

const servers: readonly Server[] = [
  {
    name: 'Apache httpd',
    // The configuration of Debian has such a page; that of the image `httpd` has none.
    images: ['apache', 'apache2'],
    port: 80,
    consequence: 'pages with "Require local", such as /server-status, are open to everybody (use Require ip 127.0.0.1)',
  },
  {
    name: 'etcd',
    images: ['etcd'],
    port: 2380,
    consequence: 'members with TLS refuse each other',
  },
  {
    name: 'MongoDB',
    images: ['mongo', 'mongodb', 'mongodb-community-server', 'percona-server-mongodb'],
    port: 27_017,
    consequence: 'until it has a user, everybody may create the first one (set enableLocalhostAuthBypass to false)',
  },
  {
    name: 'Postfix',
    images: ['postfix'],
    port: 25,
    consequence: 'it relays mail for everybody if mynetworks contains 127.0.0.0/8',
  },
  {
    name: 'RabbitMQ',
    images: ['rabbitmq'],
    port: 5672,
    consequence: 'its user guest, meant for loopback, may log in from everywhere (delete it, or change its password)',
  },
  {
    name: 'Redis',
    images: ['redis', 'redis-server', 'valkey'],
    port: 6379,
    consequence:
      'replicas and cluster nodes are announced with that address (set replica-announce-ip, cluster-announce-ip)',
  },
  {
    name: 'Tomcat',
    images: ['tomcat'],
    port: 8080,
    consequence: 'its Manager, which is for loopback, is open to everybody (allow 127\\.0\\.0\\.1 alone)',
  },
];

/** Returns the last part of an image's repository, without tag and digest. */
function lastPart(image: string): string {
  const [path = ''] = image.split('@', 1);
  const [name = ''] = (path.split('/').at(-1) ?? '').split(':', 1);
  return name.toLowerCase();
}

/**
 * Warns about well-known servers that see the proxy's address instead of their client's, with what follows from it. A port that is
 * not captured has its clients.
 */
export function warningsAboutAddresses(view: PodView, effective: PodSettings): string[] {
  return applicationContainers(view).flatMap(({ list, name, raw }) => {
    const image = lastPart(stringMember(raw, 'image') ?? '');
    const server = list === 'containers' ? servers.find(({ images }) => images.includes(image)) : undefined;
    if (server === undefined || !capturesInbound(effective, server.port)) return [];
    const way = `or exclude port ${server.port} (${annotationNames.excludeInboundPorts})`;
    return `container ${quote(name)}: ${server.name} sees all clients as ${loopbackSource.v4}, so ${server.consequence}, ${way}`;
  });
}
