import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pinnedLayer, type Layer } from './layer.ts';

/** Makes Debian's Apache HTTPD look like the official image: same command, folders and page. */
export function httpdLayer(): Promise<Layer> {
  const modules = ['mpm_event', 'authz_core', 'authz_host', 'dir', 'mime', 'status'];
  const configuration = [
    'ServerRoot /usr/local/apache2',
    'ServerName localhost',
    'PidFile /tmp/httpd.pid',
    'DefaultRuntimeDir /tmp',
    'Listen 80',
    ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
    'User www-data',
    'Group www-data',
    'TypesConfig /dev/null',
    'DocumentRoot /usr/local/apache2/htdocs',
    'DirectoryIndex index.html',
    'ErrorLog /proc/self/fd/2',
    'LogFormat "%h %l %u %t \\"%r\\" %>s %b" common',
    'CustomLog /proc/self/fd/1 common',
    '<Location /server-status>',
    'SetHandler server-status',
    '</Location>',
    '',
  ].join('\n');
  return pinnedLayer(['httpd', configuration], async (folder) => {
    const files: Readonly<Record<string, string>> = {
      'usr/local/apache2/conf/httpd.conf': configuration,
      'usr/local/apache2/htdocs/index.html': '<html><body><h1>It works!</h1></body></html>\n',
      'usr/local/bin/httpd-foreground': [
        '#!/bin/sh',
        'exec /usr/sbin/apache2 -DFOREGROUND -f /usr/local/apache2/conf/httpd.conf "$@"',
        '',
      ].join('\n'),
    };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    await chmod(path.join(folder, 'usr/local/bin/httpd-foreground'), 0o755);
    await mkdir(path.join(folder, 'usr/local/apache2/logs'), { recursive: true });
  });
}
