import { names, tokenPath } from '../pod/conventions.ts';

/** Mounted over the path of the API token, so that no token reaches our containers. */
export const tokenMask = { name: names.tokenMaskVolume, mountPath: tokenPath, readOnly: true } as const;

export const tokenMaskVolume = {
  name: names.tokenMaskVolume,
  emptyDir: { medium: 'Memory', sizeLimit: '64Ki' },
} as const;
