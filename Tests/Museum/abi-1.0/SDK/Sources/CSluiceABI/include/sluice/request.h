/* "sluice.request/1", the host's side: reading the request. Reading works in every phase (response.h, body.h and
   exchange_log.h hand out the request as const); changing it is in request_edit.h. */
#ifndef SLUICE_REQUEST_H
#define SLUICE_REQUEST_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_REQUEST_1 "sluice.request/1"

/* Attributes by number; the names in quotes are those of rules and templates. Numbers never change. */
enum {
  SLUICE_ATTRIBUTE_METHOD = 1,          /* "request.method"    token as received or set */
  SLUICE_ATTRIBUTE_PATH = 2,            /* "request.path"      path and query in origin form, not decoded */
  SLUICE_ATTRIBUTE_URL_PATH = 3,        /* "request.url_path"  path without query, not decoded */
  SLUICE_ATTRIBUTE_QUERY = 4,           /* "request.query"     behind the first '?', not decoded; may be empty */
  SLUICE_ATTRIBUTE_HOST = 5,            /* "request.host"      authority as sent, with port if it has one */
  SLUICE_ATTRIBUTE_SCHEME = 6,          /* "request.scheme"    "http" or "https" */
  SLUICE_ATTRIBUTE_PROTOCOL = 7,        /* "request.protocol"  "HTTP/1.0", "HTTP/1.1" */
  SLUICE_ATTRIBUTE_REQUEST_ID = 8,      /* "request.id"        empty until a plugin set it */
  SLUICE_ATTRIBUTE_SOURCE_ADDRESS = 9,  /* "source.address"    text of the client's IP address */
  SLUICE_ATTRIBUTE_SOURCE_PORT = 10,    /* "source.port"       decimal */
  SLUICE_ATTRIBUTE_ROUTE_ID = 11,       /* "route.id" */
  SLUICE_ATTRIBUTE_CLUSTER_ID = 12,     /* "cluster.id"        empty when the route has none */
  SLUICE_ATTRIBUTE_TARGET = 13,         /* "upstream.target"   empty before a target was chosen */
  SLUICE_ATTRIBUTE_CONSUMER = 14,       /* "consumer.name"     empty until a plugin set it */
  SLUICE_ATTRIBUTE_COUNT = 15,          /* not an attribute: one more than the last number of this header */
};

typedef struct sluice_request_v1 {
  /* sizeof(sluice_request_v1) as the host was compiled. */
  uint32_t size;
  /* One more than the highest attribute number that the host knows. */
  uint32_t attribute_count;

  /* One attribute. An attribute without a value is an empty view and SLUICE_OK.
     SLUICE_ENOTFOUND: the host does not know the number. [worker | all | must not park] */
  int32_t (*attribute)(const sluice_request *request, uint32_t attribute, sluice_view *value);

  /* Number of an attribute's name, 0 when unknown; for compiling configurations. [worker | any | must not park] */
  uint32_t (*attribute_number)(sluice_view name);

  /* Name of attribute 1 … attribute_count-1, for messages; valid for ever; empty otherwise. [worker | any | must not park] */
  sluice_view (*attribute_name)(uint32_t attribute);

  /* Value of the first header field with this name (letters' case ignored), edits of earlier plugins included.
     SLUICE_ENOTFOUND: none. [worker | all | must not park] */
  int32_t (*header)(const sluice_request *request, sluice_view name, sluice_view *value);

  /* All header fields in order, at most `room` of them; `*count` is how many there are, which may be more.
     SLUICE_ELIMIT: there were more than `room`. [worker | all | must not park] */
  int32_t (*headers)(const sluice_request *request, sluice_header *fields, uint32_t room, uint32_t *count);

  /* Value of the first query argument with this name. Names are compared and values returned decoded (%XX, '+' is a
     space), as application/x-www-form-urlencoded; an argument without '=' has an empty value. A malformed escape stands for
     itself. SLUICE_ENOTFOUND: none. SLUICE_ENOMEM: no room to decode. [worker | all | must not park] */
  int32_t (*query)(const sluice_request *request, sluice_view name, sluice_view *value);
} sluice_request_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_request_v1) == 56, "sluice_request_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_request_v1, attribute) == 8, "sluice_request_v1.attribute");
SLUICE_STATIC_ASSERT(offsetof(sluice_request_v1, header) == 32, "sluice_request_v1.header");
SLUICE_STATIC_ASSERT(offsetof(sluice_request_v1, query) == 48, "sluice_request_v1.query");

SLUICE_END
#endif
