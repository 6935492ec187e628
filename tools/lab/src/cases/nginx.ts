import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from '../peer.ts'
import type { Place } from './everywhere.ts'

const PORT = 80

/** nginx at the kernel's end, with `bytes` as `/file`. */
export async function startNginx({ peer, folder, family }: Place, bytes: Uint8Array): Promise<Service & { readonly port: number }> {
  writeFileSync(join(folder, 'file'), bytes)
  writeFileSync(join(folder, 'nginx.conf'), configuration(`${family.url(family.kernel)}:${PORT}`, folder))
  const service = await peer.start(`nginx -p ${folder} -c nginx.conf -e stderr`, /start worker process /)
  return { ...service, port: PORT }
}

function configuration(address: string, folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
  return `
    user root; worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log stderr notice;
    events {}
    http { access_log off; sendfile on; ${temporary} server { listen ${address}; root ${folder}; } }`
}
