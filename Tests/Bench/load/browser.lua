-- A request as browsers send it: 14 header lines with cookies, about 1.2 KiB, always the same bytes
dofile(debug.getinfo(1, 'S').source:match('@(.*/)') .. 'report.lua')
local lines = {
  "Host: shop.example.test",
  "Connection: keep-alive",
  'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99", "Google Chrome";v="130"',
  "sec-ch-ua-mobile: ?0",
  'sec-ch-ua-platform: "Linux"',
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-Dest: document",
  "Referer: https://shop.example.test/catalogue/shoes?page=2&sort=price&colour=blue",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7,fr;q=0.6",
  "Cookie: sid=" .. string.rep("4f9ac2b71e", 6) .. "; cart=" .. string.rep("17a9", 20)
    .. "; _ga=GA1.2.1093482871.1730000000; _gid=GA1.2.558120334.1731000000; consent=" .. string.rep("Cj0KCQ", 16) .. "; theme=dark",
}
local req
function init(args) req = "GET " .. wrk.path .. " HTTP/1.1\r\n" .. table.concat(lines, "\r\n") .. "\r\n\r\n" end
function request() return req end
