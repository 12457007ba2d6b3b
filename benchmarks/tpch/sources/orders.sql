SELECT
    o_orderkey AS order_id,
    o_custkey AS customer_id,
    o_orderstatus AS status,
    o_orderdate AS ordered_at,
    CASE WHEN o_orderstatus = 'F' THEN last_shipped END AS shipped_at,
    CASE WHEN o_orderstatus = 'F' THEN last_received END AS delivered_at,
    CASE WHEN o_orderpriority IN ('1-URGENT', '2-HIGH') THEN last_promised END AS promised_at,
    o_orderpriority AS shipping_method,
    n_name AS ship_country,
    CASE WHEN o_orderstatus = 'F' THEN last_received ELSE o_orderdate END AS updated_at
FROM 'data/01_raw/orders.parquet'
JOIN (
    SELECT
        l_orderkey,
        max(l_shipdate) AS last_shipped,
        max(l_receiptdate) AS last_received,
        max(l_commitdate) AS last_promised
    FROM 'data/01_raw/lineitem.parquet'
    GROUP BY l_orderkey
) ON l_orderkey = o_orderkey
JOIN 'data/01_raw/customer.parquet' ON c_custkey = o_custkey
JOIN 'data/01_raw/nation.parquet' ON n_nationkey = c_nationkey
