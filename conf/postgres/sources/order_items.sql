SELECT *
FROM shop.order_items
