SELECT *
FROM shop.orders
