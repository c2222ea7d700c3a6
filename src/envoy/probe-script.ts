import { ports } from '../pod/conventions.ts';

/** Ports of the proxy itself: on none of them a redirect could lead to the application. */
const closed = [ports.outbound, ports.inbound, ports.health, ports.metrics];

/**
 * Lua script that makes the result of an HTTP probe or hook what it would be without the proxy.
 *
 * The application gets the `Host` that the kubelet sends to its port. Redirects to the pod's own address are followed as
 * the kubelet follows them (kubernetes/pkg/probe/http, RedirectChecker, and Go's net/http): nine at most, to any port, by
 * HTTP or HTTPS, with the headers of the probe; a redirect elsewhere is the result. The kubelet itself could not follow
 * them: what they lead to is not on the status port, where everybody could ask for it.
 *
 * Any response ends a hook, so a hook that gets none must not look like one: its response is a redirect that leads
 * nowhere, which is an error for the kubelet and says why.
 */
export const probeScript = `local function at(u)
return (u.host:find(':',1,true) and '['..u.host..']' or u.host)..':'..u.port
end
local function escaped(s)
return (s:gsub("[^%w!$&'()*+,;=:@%%/?%-._~%[%]]",function(c) return ('%%%02X'):format(c:byte()) end))
end
local function resolve(base,to)
to=to:gsub('#.*','')
local scheme,rest=to:match('^(%a[%w+.-]*):(.*)')
local path,query=(rest or to):match('^([^?]*)(.*)')
local stray=path:gsub('%%%x%x',''):find('%',1,true)
if stray or to:find('^:') or to:find('%c') or not scheme and path:find('^[^/]*:') then return end
local u={scheme=(scheme or base.scheme):lower(),host=scheme and '' or base.host,port=base.port,name=base.name,whole=scheme}
if path:find('^//[^/]') or scheme and path:find('^//') then
local authority
authority,path=path:match('^//([^/]*)(.*)')
authority=authority:gsub('^.*@','')
u.name=authority
local host,port=authority:match('^%[(.*)%]:?(%d*)$')
if not host then host,port=authority:match('^([^:]*):?(%d*)$') end
if not host then return end
u.host,u.port=host,port~='' and port or u.scheme=='https' and '443' or '80'
elseif not scheme and path=='' then
path=base.path
if query=='' then query=base.query end
elseif not scheme and path:sub(1,1)~='/' then
path=base.path:match('^.*/')..path
end
local parts={}
for part in (path:sub(2)..'/'):gmatch('([^/]*)/') do
if part=='..' then parts[#parts]=nil elseif part~='.' then parts[#parts+1]=part end
end
if path:find('/%.%.?$') then parts[#parts+1]='' end
u.path,u.query=escaped('/'..table.concat(parts,'/')),escaped(query)
return u
end
local closed={${closed.map((port) => `['${port}']=true`).join(',')}}
local redirects={['301']=true,['302']=true,['303']=true,['307']=true,['308']=true}
function envoy_on_request(h)
local c,headers=h:filterContext():get('probe'),h:headers()
if headers:get(':authority')==at({host=c.host,port=c.status}) then headers:replace(':authority',at(c)) end
local sent={}
for k,v in pairs(headers) do
local had=sent[k]
if type(had)=='table' then had[#had+1]=v else sent[k]=had and {had,v} or v end
end
h:streamInfo():dynamicMetadata():set('probe','headers',sent)
end
function envoy_on_response(h)
local c,headers=h:filterContext():get('probe'),h:headers()
local status,to=headers:get(':status'),headers:get('location')
headers:remove('location')
local failure,text
if headers:get('x-envoy-upstream-service-time') then
local sent=h:streamInfo():dynamicMetadata():get('probe').headers
local u,name,count=c,sent[':authority'],1
u.name=at(u)
while redirects[status] and to and to~='' do
local n=resolve(u,to)
if n and n.host~=c.host then break end
if not n then failure='the application redirects to an invalid URL'
elseif count==10 then failure='the application redirects more than 9 times'
elseif n.scheme~='http' and n.scheme~='https' or closed[n.port] or n.port==c.status then failure='the application redirects to '..n.scheme..' on port '..n.port
end
if failure then break end
h:body(true)
if n.whole or name==u.name then name=n.name end
sent[':authority'],sent[':path'],sent[':scheme'],sent['x-envoy-original-dst-host']=name,n.path..n.query,n.scheme,at(n)
local head,body=h:httpCall('probe.'..n.scheme,sent,'',c.timeout)
u,count,status,to,text=n,count+1,head[':status'],head.location,body or ''
end
elseif c.hook then failure='no response from the application'
end
headers=h:headers()
if failure and c.hook then
headers:replace(':status','302')
headers:replace('location',':'..failure)
elseif failure or text then
headers:replace(':status',failure and '502' or status)
h:body(true):setBytes(failure or text)
end
end
`;
