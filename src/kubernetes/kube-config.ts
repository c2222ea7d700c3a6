// Importing through this file lets the bundler keep only this class and drop nine tenths of the library.
export { KubeConfig } from '@kubernetes/client-node';
